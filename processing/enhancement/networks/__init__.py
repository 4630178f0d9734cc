"""Networks that enhance a series; torch is imported only by the modules that compute with it."""
