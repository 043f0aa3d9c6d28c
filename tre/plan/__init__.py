"""What is asked, as a value that we wrote: text becomes a `Plan`, a plan gets a bound, a price and a digest.

Promises that a plan holds only nodes of `plan.nodes`, each checked when made, and that its sensitivity is computed, never
declared. Never touches data and keeps nothing of the researcher's text.
"""
