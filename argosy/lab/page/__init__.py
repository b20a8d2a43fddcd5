"""The parts of a report's page, one noun a file; each turns a result into HTML and computes no statistics of its own."""
