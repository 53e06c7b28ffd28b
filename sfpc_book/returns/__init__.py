"""What did authorities send?"""
