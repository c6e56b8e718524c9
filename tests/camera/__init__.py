"""The plate camera and its ISAPI wire."""
