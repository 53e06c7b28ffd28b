"""How is it bound?"""
