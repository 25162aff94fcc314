"""Sets of cases with what is known of them: NIST's sets and the ladder, the tutorials, the findings."""
