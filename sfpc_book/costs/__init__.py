"""Is it worth it?"""
