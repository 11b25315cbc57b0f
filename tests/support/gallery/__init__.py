"""Pictures in every format and layout, each with who says how it has to look.

A picture is drawn by a seeded generator, so that it can be made again from its number alone.
"""
