"""What was planned?"""
