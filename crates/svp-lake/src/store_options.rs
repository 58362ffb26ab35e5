//! What an object store is told of credentials and settings: variables of the environment, and options of the command line.
//!
//! Nobody here reads the environment: whoever does hands it on.

use std::collections::HashMap;

use object_store::aws::AmazonS3ConfigKey;

use crate::error::{LakeError, Result};

/// The standard variables begin with this.
pub const VARIABLES: &str = "AWS_";

/// Options by their names in the store. Of the environment, those variables count that the store knows (credentials, region, endpoint,
/// web identity, container, …); what is given by hand goes before them. A folder has no options.
///
/// # Errors
/// [`LakeError::StoreOption`] for an option that the store does not know, for a secret (it would stand in the list of processes and in
/// the history of the shell), for `AWS_PROFILE` where nothing else gives credentials (profiles are not read), and for a lake on Azure,
/// Google or a web server, by its name.
pub fn store_options(
    location: &str,
    environment: &[(String, String)],
    given: &[(String, String)],
) -> Result<HashMap<String, String>> {
    let refused = |what: String, hint: &'static str| Err(LakeError::StoreOption { what, hint });
    if let Some(store) = not_built_in(location) {
        return refused(format!("a lake on {store} is not built in"), S3_OR_FOLDER);
    }
    let mut options = HashMap::new();
    if !location.starts_with("s3://") && !location.starts_with("s3a://") {
        return match given.first() {
            Some((name, _)) => refused(
                format!("--store-option {name}: the lake is a folder, which has no options"),
                "leave it out, or give the lake as s3://bucket/prefix",
            ),
            None => Ok(options),
        };
    }
    for (name, value) in environment {
        if let Ok(key) = name.to_ascii_lowercase().parse::<AmazonS3ConfigKey>() {
            options.insert(key.as_ref().to_owned(), value.clone());
        }
    }
    for (name, value) in given {
        let Ok(key) = name.to_ascii_lowercase().parse::<AmazonS3ConfigKey>() else {
            return refused(
                format!("--store-option {name}: the store knows no such option"),
                "known are region, endpoint, allow_http, virtual_hosted_style_request and others that AWS_… variables set",
            );
        };
        if is_secret(key.as_ref()) {
            return refused(
                format!("--store-option {name}: a secret does not belong on a command line, where others see it"),
                "set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN in the environment instead",
            );
        }
        options.insert(key.as_ref().to_owned(), value.clone());
    }
    let profile = environment.iter().any(|(name, value)| name == "AWS_PROFILE" && !value.is_empty());
    let sources = [
        "aws_access_key_id",
        "aws_web_identity_token_file",
        "aws_container_credentials_relative_uri",
        "aws_container_credentials_full_uri",
    ];
    if profile && !sources.iter().any(|name| options.contains_key(*name)) {
        return refused(
            "AWS_PROFILE is set, and profiles are not read".to_owned(),
            "export the profile's credentials: `eval \"$(aws configure export-credentials --format env)\"`, or unset AWS_PROFILE",
        );
    }
    Ok(options)
}

/// What to do where a lake is asked for on a store that this program does not reach.
const S3_OR_FOLDER: &str = "give a folder, or s3://bucket/prefix; credentials of Azure and Google are not read, so unset them where they stand for this program only";

/// The name of the store of a location, where it is one that this program does not reach.
fn not_built_in(location: &str) -> Option<&'static str> {
    let (scheme, rest) = location.split_once("://")?;
    let host = rest.split(['/', '?']).next().unwrap_or_default().to_ascii_lowercase();
    let of = |ends: &[&str]| ends.iter().any(|end| host == *end || host.ends_with(&format!(".{end}")));
    match scheme.to_ascii_lowercase().as_str() {
        "az" | "azure" | "adl" | "abfs" | "abfss" | "wasb" | "wasbs" => Some("Azure"),
        "gs" | "gcs" => Some("Google Cloud Storage"),
        "http" | "https" if of(&["core.windows.net", "fabric.microsoft.com"]) => Some("Azure"),
        "http" | "https" if of(&["googleapis.com", "storage.cloud.google.com"]) => Some("Google Cloud Storage"),
        "http" | "https" if !of(&["amazonaws.com", "r2.cloudflarestorage.com"]) => Some("a web server"),
        _ => None,
    }
}

fn is_secret(key: &str) -> bool {
    matches!(key, "aws_secret_access_key" | "aws_session_token" | "aws_sse_customer_key_base64" | "aws_access_key_id")
}

#[cfg(test)]
mod tests {
    use svp_contract::{Advice, ErrorKind};

    use super::*;

    fn pairs(of: &[(&str, &str)]) -> Vec<(String, String)> {
        of.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn variables_are_handed_on_and_options_go_before_them() {
        let environment = pairs(&[
            ("AWS_ACCESS_KEY_ID", "id"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_SESSION_TOKEN", "token"),
            ("AWS_REGION", "eu-west-2"),
            ("AWS_ENDPOINT_URL", "http://a"),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", "/t"),
            ("AWS_ROLE_ARN", "arn"),
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://c"),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_PAGER", "less"),
        ]);
        let options = store_options("s3://b/p", &environment, &pairs(&[("region", "eu-west-1")])).unwrap();
        for (name, value) in [
            ("aws_access_key_id", "id"),
            ("aws_secret_access_key", "secret"),
            ("aws_session_token", "token"),
            ("aws_region", "eu-west-1"),
            ("aws_endpoint_url", "http://a"),
            ("aws_web_identity_token_file", "/t"),
            ("aws_role_arn", "arn"),
            ("aws_container_credentials_full_uri", "http://c"),
        ] {
            // By whichever of its names the store knows an option.
            let key: AmazonS3ConfigKey = name.parse().unwrap();
            assert_eq!(options.get(key.as_ref()).map(String::as_str), Some(value), "{name}");
        }
        assert!(!options.values().any(|v| v == "less"));
        assert!(store_options("a/folder", &environment, &[]).unwrap().is_empty());
    }

    #[test]
    fn stores_that_are_not_built_in_are_refused_by_name() {
        let secrets =
            pairs(&[("AZURE_STORAGE_ACCOUNT_KEY", "hunter2"), ("GOOGLE_APPLICATION_CREDENTIALS", "/hunter2")]);
        for (location, name) in [
            ("az://container/lake", "Azure"),
            ("abfss://container@account.dfs.core.windows.net/lake", "Azure"),
            ("https://account.blob.core.windows.net/container/lake", "Azure"),
            ("gs://bucket/lake", "Google Cloud Storage"),
            ("GS://bucket/lake", "Google Cloud Storage"),
            ("https://storage.googleapis.com/bucket/lake", "Google Cloud Storage"),
            ("https://example.org/lake", "a web server"),
        ] {
            for given in [vec![], pairs(&[("region", "x")])] {
                let error = store_options(location, &secrets, &given).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Argument);
                assert_eq!(error.to_string(), format!("a lake on {name} is not built in"));
                assert!(error.hint().unwrap().starts_with("give a folder, or s3://bucket/prefix"));
            }
        }
        for location in ["lake", "file:///lake", "a b%20c", "C:\\lake", "s3://b/p"] {
            assert!(store_options(location, &[], &[]).is_ok(), "{location}");
        }
    }

    #[test]
    fn secrets_unknown_options_and_profiles_are_refused_without_their_value() {
        for name in ["aws_secret_access_key", "secret_access_key", "AWS_SESSION_TOKEN", "token", "access_key_id"] {
            let error = store_options("s3://b/p", &[], &pairs(&[(name, "hunter2")])).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Argument);
            assert!(!error.to_string().contains("hunter2") && error.hint().unwrap().contains("AWS_SECRET_ACCESS_KEY"));
        }
        let error = store_options("s3://b/p", &[], &pairs(&[("regoin", "x")])).unwrap_err();
        assert!(error.to_string().contains("knows no such option"), "{error}");
        assert!(store_options("lake", &[], &pairs(&[("region", "x")])).is_err());
        let profile = pairs(&[("AWS_PROFILE", "work")]);
        assert!(store_options("s3://b/p", &profile, &[]).unwrap_err().to_string().contains("profiles are not read"));
        let with = [profile, pairs(&[("AWS_ACCESS_KEY_ID", "id")])].concat();
        assert!(store_options("s3://b/p", &with, &[]).is_ok());
    }
}
