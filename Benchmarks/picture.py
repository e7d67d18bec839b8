"""Bars of ratios as an SVG picture, without a library: one bar for each case, a line where both are level.

Imported by bench.py.
"""
from xml.sax.saxutils import escape

ROW, LEFT, WIDTH, TOP = 24, 240, 460, 48


def bars(title, note, rows, ceiling=None):
    """An SVG text. `rows`: a label and a ratio each; bars beyond `ceiling` are cut and say their value."""
    ceiling = ceiling or max(ratio for _, ratio in rows) * 1.05
    height = TOP + ROW * len(rows) + 16
    level = LEFT + WIDTH / ceiling
    text = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 70}" height="{height}" '
            'font-family="sans-serif" font-size="12">',
            '<rect width="100%" height="100%" fill="white"/>',
            f'<text x="12" y="18" font-size="14" font-weight="bold">{escape(title)}</text>',
            f'<text x="12" y="36" fill="#555">{escape(note)}</text>']
    for number, (label, ratio) in enumerate(rows):
        y = TOP + ROW * number
        length = WIDTH * min(ratio, ceiling) / ceiling
        text += [f'<text x="{LEFT - 8}" y="{y + 16}" text-anchor="end">{escape(label)}</text>',
                 f'<rect x="{LEFT}" y="{y + 4}" width="{length:.1f}" height="{ROW - 8}" fill="#3b6ea5"/>',
                 f'<text x="{LEFT + length + 5:.1f}" y="{y + 16}">{ratio:.2f}</text>']
    text += [f'<line x1="{level:.1f}" y1="{TOP}" x2="{level:.1f}" y2="{height - 12}" stroke="#c0392b" '
             'stroke-dasharray="4 3"/>', "</svg>", ""]
    return "\n".join(text)
