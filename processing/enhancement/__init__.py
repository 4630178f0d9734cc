"""Networks that restore images: training, weights, inference."""
