"""What a person sees: tables, plots and pages, from records and judgements only."""
