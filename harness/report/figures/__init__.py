"""Pictures as Vega-Lite specifications over rows: the page draws them with its filters, vl-convert writes the files."""
