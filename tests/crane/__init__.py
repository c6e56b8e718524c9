"""Tests of the crane, its body and its OPC UA server."""
