"""Plan or run -> one machine document -> every format; renderers read the document only."""
