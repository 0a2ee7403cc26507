"""What came with a message: fetched from the brain, and made into words.

The prompt that holds these words is made elsewhere.
"""
