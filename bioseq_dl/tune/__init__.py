"""The search for sizes and settings: workers that share a study, and what they found."""
