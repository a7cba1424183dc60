"""Pictures: maps of words for a browser or as PNG and SVG, curves of the loss.

layout   vectors to points of a plane
wordmap  what a map shows: words, places, classes, neighbours
webpage  a map as one HTML file
charts   maps and curves with Matplotlib
"""
