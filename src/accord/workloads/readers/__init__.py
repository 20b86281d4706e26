"""One module a trace format: text lines in, columns out."""
