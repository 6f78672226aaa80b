//! Signatures of requests to managed stores: AWS Signature Version 4, in headers.
//!
//! Source: AWS General Reference, "Create a signed AWS API request". The vectors of the tests are AWS's own, from
//! github.com/awslabs/aws-c-auth, `tests/aws-signing-test-suite/v4` (Apache-2.0).

use super::request::percent_encoded;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// The service name of Amazon Managed Service for Prometheus.
pub const SERVICE: &str = "aps";

/// Who signs, and for what.
#[derive(Clone)]
pub struct Signer {
    /// Public half of the key.
    pub access_key: String,
    /// Secret half.
    pub secret_key: String,
    /// Of temporary credentials.
    pub session_token: Option<String>,
    /// Such as `eu-west-1`.
    pub region: String,
    /// [`SERVICE`], but for tests.
    pub service: String,
}

/// What is signed.
#[derive(Clone, Debug)]
pub struct Unsigned<'a> {
    /// `GET` or `POST`.
    pub method: &'a str,
    /// Host with its port where that is not the usual one.
    pub host: &'a str,
    /// Path as it is sent.
    pub path: &'a str,
    /// Query string as it is sent: names and values percent-encoded.
    pub query: &'a str,
    /// Further headers to sign, names in lower case.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body.
    pub body: &'a [u8],
    /// `20150830T123600Z`.
    pub at: &'a str,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer")
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}

impl Signer {
    /// The headers that sign a request: name and value.
    pub fn sign(&self, request: &Unsigned<'_>) -> Vec<(&'static str, String)> {
        let mut headers: Vec<(&str, &str)> = request.headers.to_vec();
        headers.push(("host", request.host));
        headers.push(("x-amz-date", request.at));
        if let Some(token) = &self.session_token {
            headers.push(("x-amz-security-token", token));
        }
        headers.sort_unstable();
        let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
        let names = names.join(";");
        let digest = hex(&Sha256::digest(canonical(request, &headers, &names)));
        let day = request.at.get(..8).unwrap_or(request.at);
        let scope = format!("{day}/{}/{}/aws4_request", self.region, self.service);
        let text = format!("AWS4-HMAC-SHA256\n{}\n{scope}\n{digest}", request.at);
        let signature = hex(&mac(&self.key(day), &text));
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={signature}",
            self.access_key
        );
        let mut signed = vec![("x-amz-date", request.at.to_owned()), ("authorization", authorization)];
        signed.extend(self.session_token.clone().map(|token| ("x-amz-security-token", token)));
        signed
    }

    fn key(&self, day: &str) -> Vec<u8> {
        let secret = format!("AWS4{}", self.secret_key);
        [day, &self.region, &self.service, "aws4_request"]
            .iter()
            .fold(secret.into_bytes(), |key, word| mac(&key, word))
    }
}

/// The request in the one form that both sides can make of it. A path is encoded once more, as every service but S3 wants.
fn canonical(request: &Unsigned<'_>, headers: &[(&str, &str)], names: &str) -> String {
    let parts: Vec<String> = request.path.split('/').map(percent_encoded).collect();
    let mut query: Vec<&str> = request.query.split('&').filter(|pair| !pair.is_empty()).collect();
    query.sort_unstable_by_key(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let mut out = format!("{}\n{}\n{}\n", request.method, parts.join("/"), query.join("&"));
    for (name, value) in headers {
        let _ = writeln!(out, "{name}:{}", value.trim());
    }
    let _ = write!(out, "\n{names}\n{}", hex(&Sha256::digest(request.body)));
    out
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("broken invariant: HMAC takes keys of any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signature(request: &Unsigned<'_>, token: Option<&str>) -> String {
        let signer = Signer {
            access_key: "AKIDEXAMPLE".into(),
            secret_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into(),
            session_token: token.map(str::to_owned),
            region: "us-east-1".into(),
            service: "service".into(),
        };
        let headers = signer.sign(request);
        let authorization = headers.iter().find(|(name, _)| *name == "authorization").unwrap();
        authorization.1.clone()
    }

    fn get(query: &'static str) -> Unsigned<'static> {
        Unsigned {
            method: "GET",
            host: "example.amazonaws.com",
            path: "/",
            query,
            headers: &[],
            body: b"",
            at: "20150830T123600Z",
        }
    }

    #[test]
    fn signatures_are_those_that_aws_publishes() {
        const ALPHABET: &str = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz=\
            -._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        const TOKEN: &str = "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267";
        let form = Unsigned {
            method: "POST",
            headers: &[
                ("content-length", "13"),
                ("content-type", "application/x-www-form-urlencoded"),
                (
                    "x-amz-content-sha256",
                    "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e",
                ),
            ],
            body: b"Param1=value1",
            ..get("")
        };
        let space = Unsigned {
            path: "/example space/",
            ..get("")
        };
        let cases = [
            // get-vanilla-query-order-key-case
            (
                get("Param2=value2&Param1=value1"),
                None,
                "host;x-amz-date",
                "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
            ),
            // get-vanilla-query-unreserved
            (
                get(ALPHABET),
                None,
                "host;x-amz-date",
                "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197",
            ),
            // get-vanilla-query-order-encoded
            (
                get("Param-3=Value3&Param=Value2&%E1%88%B4=Value1"),
                None,
                "host;x-amz-date",
                "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac",
            ),
            // get-vanilla-with-session-token
            (
                get(""),
                Some(TOKEN),
                "host;x-amz-date;x-amz-security-token",
                "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8",
            ),
            // get-space-unnormalized: its path is sent with a bare space there
            (
                space,
                None,
                "host;x-amz-date",
                "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741",
            ),
            // post-x-www-form-urlencoded
            (
                form,
                None,
                "content-length;content-type;host;x-amz-content-sha256;x-amz-date",
                "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b",
            ),
        ];
        for (request, token, names, expected) in cases {
            assert_eq!(
                signature(&request, token),
                format!(
                    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders={names}, Signature={expected}"
                ),
                "{} {} {}",
                request.method,
                request.path,
                request.query
            );
        }
    }
}
