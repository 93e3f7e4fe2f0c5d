"""`parkingspots doctor`: what is around the product, looked at before and after a release."""
