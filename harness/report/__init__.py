"""What a person sees: tables, words, figures and the page, from records and judgements only."""
