"""Tests of what physically is."""
