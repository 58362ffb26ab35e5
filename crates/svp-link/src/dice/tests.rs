//! The search against comparing every pair; the boundaries against anonlink.

use super::*;

