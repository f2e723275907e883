"""Natural logarithm in plain arithmetic: the same bits live, compiled, and on every processor.

Argument reduction x = 2^k m with m in [sqrt(1/2), sqrt(2)), then fdlibm's e_log.c polynomial (Sun Microsystems, 1993), error
below 1 ulp. The C library's own log differs in its last bit between processors.
"""

LN2_HIGH = 6.93147180369123816490e-01
LN2_LOW = 1.90821492927058770002e-10
SQRT_HALF = 0.7071067811865476
SQRT_TWO = 1.4142135623730951
LARGEST = 1.7976931348623157e308
NAN = float("nan")
LG1, LG2, LG3, LG4 = 6.666666666666735130e-01, 3.999999999940941908e-01, 2.857142874366239149e-01, 2.222219843214978396e-01
LG5, LG6, LG7 = 1.818357216161805012e-01, 1.531383769920937332e-01, 1.479819860511658591e-01


def ln(x: float) -> float:
    """Logarithm of a positive, finite number, else NaN; ratios of prices lie near 1, where the reduction does not loop."""
    if not 0.0 < x <= LARGEST:
        return NAN
    exponent = 0
    while x >= SQRT_TWO:
        x = x * 0.5
        exponent += 1
    while x < SQRT_HALF:
        x = x * 2.0
        exponent -= 1
    f = x - 1.0
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    odd = w * (LG2 + w * (LG4 + w * LG6))
    even = z * (LG1 + w * (LG3 + w * (LG5 + w * LG7)))
    r = odd + even
    half = 0.5 * f * f
    if exponent == 0:
        return f - (half - s * (half + r))
    dk = float(exponent)
    return dk * LN2_HIGH - ((half - (s * (half + r) + dk * LN2_LOW)) - f)


def log_return(before: int, now: int) -> float:
    """ln(now / before) of two prices; NaN where one is not positive, for which there is no such return."""
    if before <= 0 or now <= 0:
        return NAN
    return ln(float(now) / float(before))
