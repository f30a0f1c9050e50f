//! The table of routes: each has its permission, without which it can't be written.

use actix_web::http::Method;

use crate::auth::permissions::Permission;

/// A route.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// How it is asked for.
    pub verb: Verb,
    /// What the path of its scope is.
    pub scope: &'static str,
    /// Its path within that, with the names of what varies: `/labs/{lab}`.
    pub path: &'static str,
    /// What whoever asks has to be allowed.
    pub permission: Permission,
}

/// The methods that routes have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(non_camel_case_types, reason = "they are written as the framework's functions of the same names are")]
pub enum Verb {
    /// GET
    get,
    /// POST
    post,
    /// PATCH
    patch,
    /// DELETE
    delete,
}

impl Verb {
    /// The method.
    pub fn method(self) -> Method {
        match self {
            Self::get => Method::GET,
            Self::post => Method::POST,
            Self::patch => Method::PATCH,
            Self::delete => Method::DELETE,
        }
    }
}

impl Row {
    /// Whether it is the route of this method and this pattern.
    pub fn is(&self, method: &Method, pattern: &str) -> bool {
        self.verb.method() == method && pattern.strip_prefix(self.scope) == Some(self.path)
    }

    /// What stands in a path that matches it where the pattern has this name.
    pub fn named<'a>(&self, name: &str, path: &'a str) -> Option<&'a str> {
        let mut parts = self.path.split('/').zip(path.strip_prefix(self.scope)?.split('/'));
        parts.find(|(part, _)| *part == name).map(|(_, given)| given)
    }

    /// The pattern of its path as requests match it.
    pub fn pattern(&self) -> String {
        format!("{}{}", self.scope, self.path)
    }
}

/// Rows of the table, and the function that has actix-web serve them.
macro_rules! routes {
    ($(#[$doc:meta])* $rows:ident in $scope:literal, $routes:ident:
     $($verb:ident $path:expr, $permission:ident => $handler:expr;)*) => {
        $(#[$doc])*
        pub(in $crate::web) const $rows: &[$crate::web::table::Row] = &[$($crate::web::table::Row {
            verb: $crate::web::table::Verb::$verb,
            scope: $scope,
            path: $path,
            permission: $crate::auth::permissions::Permission::$permission,
        }),*];

        pub(in $crate::web) fn $routes(config: &mut actix_web::web::ServiceConfig) {
            config$(.route($path, actix_web::web::$verb().to($handler)))*;
        }
    };
}
pub(in crate::web) use routes;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_knows_its_requests_and_what_they_name() {
        let permission = Permission::ChangeBooking;
        let row = Row { verb: Verb::post, scope: "/api/v1", path: "/bookings/{booking}/pass", permission };
        assert!(row.is(&Method::POST, "/api/v1/bookings/{booking}/pass"));
        assert!(!row.is(&Method::GET, "/api/v1/bookings/{booking}/pass"));
        assert!(!row.is(&Method::POST, "/bookings/{booking}/pass"));
        assert_eq!(row.named("{booking}", "/api/v1/bookings/abc/pass"), Some("abc"));
        assert_eq!(row.named("{lab}", "/api/v1/bookings/abc/pass"), None);
    }
}
