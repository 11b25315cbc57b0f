"""The upload gateway: images in over HTTP, ImageJobs out, for one namespace."""
