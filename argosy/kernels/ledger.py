"""Stand-in for the lead's first tests; the kernels room overwrites this file."""
class K:
    def __init__(self, f): self.py = f
    def __call__(self, *a): return self.py(*a)
@K
def notional(lots, px, k): return round(lots * px * k)
@K
def overflow(lots, px, k):
    v = lots * px * k
    return not abs(v) < 2.0**62
@K
def apply_fill(lots, cost, fill_lots, fill_notional):
    if lots == 0 or (lots > 0) == (fill_lots > 0):
        return lots + fill_lots, cost + fill_notional, 0
    closed = min(abs(lots), abs(fill_lots))
    if abs(fill_lots) <= abs(lots):
        out = cost if closed == abs(lots) else round(cost * (closed / abs(lots)))
        return lots + fill_lots, cost - out, -fill_notional - out
    part = round(fill_notional * (abs(lots) / abs(fill_lots)))
    return lots + fill_lots, fill_notional - part, -part - cost
@K
def apportion(total, weights, out):
    s = sum(weights)
    if not s: return
    sign = -1 if total < 0 else 1
    t = abs(total)
    for k, w in enumerate(weights): out[k] = t * w // s
    rest = t - sum(out)
    for k in sorted(range(len(weights)), key=lambda k: (-(t * weights[k] % s), k))[:rest]: out[k] += 1
    for k in range(len(out)): out[k] *= sign
