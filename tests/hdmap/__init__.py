"""Tests of the map service."""
