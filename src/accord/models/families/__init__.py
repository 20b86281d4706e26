"""How each family of architectures turns its configuration keys into layers.

One module per kind of layout: ``dense``, ``mixture``, ``latent`` (MLA), ``compressed`` (shared and compressed
key-value vectors), ``hybrid`` (linear attention). ``blocks`` holds what they share. The table from
``model_type`` to builder is in :mod:`accord.models.hf_config`.
"""
