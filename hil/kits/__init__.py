"""One folder per kind of device that can be certified; `hil.kit` says what a kit is."""
