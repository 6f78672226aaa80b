//! Rounding ladders: derived requests go up to the next rung, so that noise in the history does not become noise in Git.

use crate::units::{Bytes, Millicores};

/// Lowest derived requests: an idle container still starts, answers probes and is scheduled somewhere.
pub const CPU_FLOOR: Millicores = Millicores::new(10);
/// As [`CPU_FLOOR`], for memory.
pub const MEMORY_FLOOR: Bytes = Bytes::from_mib(32);

/// Up to the next rung: 1m below 20m, 5m to 100m, 10m to 1 core, 50m to 10 cores, 100m above.
pub fn cpu_ceil(amount: Millicores) -> Millicores {
    let milli = amount.max(CPU_FLOOR).get();
    let rung = match milli {
        0..20 => 1,
        20..100 => 5,
        100..1_000 => 10,
        1_000..10_000 => 50,
        _ => 100,
    };
    Millicores::new(milli.div_ceil(rung) * rung)
}

/// Up to the next rung: 4 MiB below 128 MiB, 16 MiB to 1 GiB, 64 MiB to 8 GiB, 256 MiB above.
pub fn memory_ceil(amount: Bytes) -> Bytes {
    let mib = amount.max(MEMORY_FLOOR).get().div_ceil(1024 * 1024);
    let rung = match mib {
        0..128 => 4,
        128..1_024 => 16,
        1_024..8_192 => 64,
        _ => 256,
    };
    Bytes::from_mib(mib.div_ceil(rung) * rung)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_go_up_to_the_next_rung() {
        for (milli, rung) in [
            (0, 10),
            (11, 11),
            (21, 25),
            (96, 100),
            (101, 110),
            (991, 1000),
            (1001, 1050),
            (10_010, 10_100),
        ] {
            assert_eq!(cpu_ceil(Millicores::new(milli)), Millicores::new(rung), "{milli}m");
        }
        for (mib, rung) in [
            (0, 32),
            (33, 36),
            (125, 128),
            (129, 144),
            (1023, 1024),
            (1025, 1088),
            (8193, 8448),
        ] {
            assert_eq!(memory_ceil(Bytes::from_mib(mib)), Bytes::from_mib(rung), "{mib}Mi");
        }
        assert_eq!(memory_ceil(Bytes::new(33 * 1024 * 1024 + 1)), Bytes::from_mib(36));
    }

    #[test]
    fn a_rung_is_its_own_rung() {
        for milli in 0..20_000 {
            let rung = cpu_ceil(Millicores::new(milli));
            assert_eq!(cpu_ceil(rung), rung, "{milli}m");
        }
    }
}
