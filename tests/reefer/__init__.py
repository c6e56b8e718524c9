"""Tests of reefer units, racks and their messages."""
