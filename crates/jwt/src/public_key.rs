//! Public keys and the signatures that they verify: RustCrypto's, nothing of our own.

use ed25519_dalek::{Signature as EdSignature, VerifyingKey as EdKey};
use p256::Sec1Point;
use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{Signature as EcSignature, VerifyingKey as EcKey};
use rsa::{BoxedUint, pkcs1v15, pss};
use sha2::Sha256;

use crate::{Algorithm, Unfit};

/// Bits of the smallest RSA modulus (RFC 7518 §3.3), and of the largest: verifying is quadratic in them.
const MODULUS_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;
/// The RSA exponents that are taken: 65537 is the smallest that FIPS 186-5 §A.1.1 allows.
const EXPONENTS: std::ops::RangeInclusive<u64> = 65_537..=1 << 32;
/// Bytes of a coordinate of P-256, and of an Ed25519 key.
const COORDINATE: usize = 32;

/// A public key.
#[derive(Debug)]
pub(crate) enum PublicKey {
    /// RSA of 2048 to 4096 bits.
    Rsa(rsa::PublicKey),
    /// ECDSA on P-256.
    P256(EcKey),
    /// Ed25519.
    Ed25519(EdKey),
}

impl PublicKey {
    /// An RSA key of modulus and exponent, big-endian (RFC 7518 §6.3.1).
    pub fn rsa(modulus: &[u8], exponent: &[u8]) -> Result<Self, Unfit> {
        // RFC 7518 §2, Base64urlUInt: the fewest octets that can hold the value.
        let Some(first) = modulus.first().filter(|first| **first != 0) else {
            return Err(Unfit::Member("n"));
        };
        let bits = modulus.len().saturating_mul(8).saturating_sub(first.leading_zeros() as usize);
        if !MODULUS_BITS.contains(&bits) {
            return Err(Unfit::Modulus);
        }
        if exponent.first().is_none_or(|first| *first == 0) {
            return Err(Unfit::Member("e"));
        }
        if exponent.len() > size_of::<u64>() {
            return Err(Unfit::Exponent);
        }
        let e = exponent.iter().fold(0, |value: u64, byte| value << 8 | u64::from(*byte));
        if !EXPONENTS.contains(&e) || e % 2 == 0 {
            return Err(Unfit::Exponent);
        }
        let n = BoxedUint::from_be_slice_vartime(modulus);
        rsa::PublicKey::new(n, BoxedUint::from(e)).map(Self::Rsa).map_err(|_| Unfit::Member("n"))
    }

    /// A point of P-256 by its coordinates (RFC 7518 §6.2.1), each of 32 bytes.
    pub fn p256(x: &[u8], y: &[u8]) -> Result<Self, Unfit> {
        let x: [u8; COORDINATE] = x.try_into().map_err(|_| Unfit::Member("x"))?;
        let y: [u8; COORDINATE] = y.try_into().map_err(|_| Unfit::Member("y"))?;
        let point = Sec1Point::from_affine_coordinates(&x.into(), &y.into(), false);
        EcKey::from_sec1_point(&point).map(Self::P256).map_err(|_| Unfit::NoPoint)
    }

    /// An Ed25519 key (RFC 8037 §2) of 32 bytes.
    pub fn ed25519(x: &[u8]) -> Result<Self, Unfit> {
        let x: [u8; COORDINATE] = x.try_into().map_err(|_| Unfit::Member("x"))?;
        let key = EdKey::from_bytes(&x).map_err(|_| Unfit::NoPoint)?;
        if key.is_weak() { Err(Unfit::SmallOrder) } else { Ok(Self::Ed25519(key)) }
    }

    /// Whether this type of key is for that algorithm.
    pub fn is_for(&self, algorithm: Algorithm) -> bool {
        match self {
            Self::Rsa(_) => matches!(algorithm, Algorithm::Rs256 | Algorithm::Ps256),
            Self::P256(_) => algorithm == Algorithm::Es256,
            Self::Ed25519(_) => algorithm == Algorithm::EdDsa,
        }
    }

    /// Whether this is the signature of that message. One made by another algorithm, or of another length, is not.
    pub fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        match (self, algorithm) {
            (Self::Rsa(key), Algorithm::Rs256) => {
                pkcs1v15::Signature::try_from(signature).is_ok_and(|signature| {
                    pkcs1v15::VerifyingKey::<Sha256>::new(key.clone()).verify(message, &signature).is_ok()
                })
            }
            (Self::Rsa(key), Algorithm::Ps256) => {
                pss::Signature::try_from(signature).is_ok_and(|signature| {
                    pss::VerifyingKey::<Sha256>::new(key.clone()).verify(message, &signature).is_ok()
                })
            }
            // r and s, 32 bytes each, neither of them zero (RFC 7518 §3.4). Both s and its negative are right: the standard
            // asks for no low s, signers do not make one, and nothing here takes a signature for an identity.
            (Self::P256(key), Algorithm::Es256) => EcSignature::from_slice(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            // Strict: no R of small order, and one encoding of a signature.
            (Self::Ed25519(key), Algorithm::EdDsa) => EdSignature::from_slice(signature)
                .is_ok_and(|signature| key.verify_strict(message, &signature).is_ok()),
            _ => false,
        }
    }
}
