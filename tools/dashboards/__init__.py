"""The Grafana dashboards of ParkingSpots, which become charts/parkingspots/dashboards/*.json."""
