# -*- coding: gbk -*-
"""文档

>>> print(1)
1
"""
x=1
y = "中"