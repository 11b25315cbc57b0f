"""Makes the chart's Grafana dashboard from the fifty lines of it that say something."""
