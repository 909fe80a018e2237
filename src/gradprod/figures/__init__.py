"""Pictures of results: pure functions from records and a style to plotly figures as plain dictionaries."""
