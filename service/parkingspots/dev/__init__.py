"""The whole product on one machine: embedded PostgreSQL and Valkey, and what runs `parkingspots dev`."""
