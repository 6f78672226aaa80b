//! Powers of two with the same bits on every platform, and the same as those that the recommender computes with.
//!
//! Go's `math.Exp2` splits x into a whole number and a part t, |t| <= 1/2, and computes e^(t ln 2) by the rational form and
//! the coefficients of `e_exp.c` of FreeBSD's msun: e^r = 1 + r + r c / (2 - c), where c = r - r² P(r²). `libm::exp2` is
//! another algorithm, and its last bit another one for a tenth of all x. Every step is rounded by itself, as on amd64.
//!
//! The coefficients and the form are from `e_exp.c`: Copyright (C) 2004 by Sun Microsystems, Inc. All rights reserved.
//! Permission to use, copy, modify, and distribute this software is freely granted, provided that this notice is preserved.

/// The upper bits of ln 2, so that its product with a part of few bits is exact.
const LN2_HIGH: f64 = 6.931_471_803_691_238e-1;
/// The rest of it.
const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;
const COEFFICIENTS: [f64; 5] = [
    1.666_666_666_666_666_6e-1,
    -2.777_777_777_701_559_3e-3,
    6.613_756_321_437_934e-5,
    -1.653_390_220_546_525_2e-6,
    4.138_136_797_057_238_5e-8,
];
/// Beyond these the result is no number any more, or nothing.
const LIMITS: [f64; 2] = [-1.0740e+03, 1.023_999_999_999_999_9e3];

/// 2 to the power of `x`, which is a number.
pub(super) fn exp2(x: f64) -> f64 {
    let [least, most] = LIMITS;
    if x > most {
        return f64::INFINITY;
    }
    if x < least {
        return 0.0;
    }
    #[expect(clippy::cast_possible_truncation, reason = "within the limits")]
    let whole = (x + 0.5_f64.copysign(x)) as i32;
    let part = x - f64::from(whole);
    let (high, low) = (part * LN2_HIGH, -part * LN2_LOW);
    let r = high - low;
    let square = r * r;
    let [p1, p2, p3, p4, p5] = COEFFICIENTS;
    let c = r - square * (p1 + square * (p2 + square * (p3 + square * (p4 + square * p5))));
    libm::ldexp(1.0 - ((low - (r * c) / (2.0 - c)) - high), whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_powers_are_exact() {
        for k in -1022..1024 {
            assert_eq!(exp2(f64::from(k)).to_bits(), libm::ldexp(1.0, k).to_bits(), "{k}");
        }
        assert!(exp2(1024.0).is_infinite());
        assert_eq!(exp2(-1075.0).to_bits(), 0);
    }

    /// Printed by Go 1.26 (`math.Float64bits(math.Exp2(x))`).
    #[test]
    fn bits_are_those_of_go() {
        for (x, bits) in GO {
            assert_eq!(exp2(x).to_bits(), bits, "{x}");
        }
    }

    const GO: [(f64, u64); 9] = [
        (0.5, 0x3ff6_a09e_667f_3bcc),
        (-0.5, 0x3fe6_a09e_667f_3bcc),
        (-0.1, 0x3fed_db68_0117_ab12),
        (0.1, 0x3ff1_25fb_ee25_0664),
        (1.0 / 288.0, 0x3ff0_09de_b614_0dc2),
        (287.0 / 288.0, 0x3fff_ec4e_b9ab_3d30),
        (99.99, 0x462f_c769_e9b9_c33e),
        (-13.37, 0x3f18_c2d3_82bb_2f2f),
        (0.007, 0x3ff0_13ec_15da_75dd),
    ];
}
