"""Tables, figures, exports."""
