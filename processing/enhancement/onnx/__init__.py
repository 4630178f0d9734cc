"""Models of one's own in ONNX: what is taken, its manifest, and the confined process that runs it."""
