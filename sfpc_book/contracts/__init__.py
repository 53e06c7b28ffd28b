"""Is it fit for use?"""
