"""Installs, starts, seeds and stops the OpenStack services that the tests run against."""
