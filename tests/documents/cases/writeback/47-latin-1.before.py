#!/usr/bin/env python
# -*- coding: latin-1 -*-
"""Größe."""

x=1  # é
