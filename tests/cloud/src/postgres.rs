//! The PostgreSQL of a set, and the roles that it is asked by.

use perennial_postgres::Server;
use perennial_tests::perennial;

/// Sessions that the server has: a handler takes up to 64, and of each there is one more while it is replaced.
const SESSIONS: usize = 500;

/// A server with the database of a set.
#[derive(Debug)]
pub struct Postgres {
    server: Server,
    /// The database, as the server's administrator sees it.
    database: String,
}

impl Postgres {
    /// The role that owns the database and nothing else, as which the service begins.
    pub const OWNER: &str = "perennial";

    /// Starts one, and brings its database up to the schema. `None` where the machine has none, after saying so.
    pub(crate) fn start() -> Option<Self> {
        let settings = vec![format!("max_connections={SESSIONS}")];
        let server =
            Server::with(perennial_postgres::Setup { settings, ..perennial_postgres::Setup::default() })?;
        let database = server.empty_database();
        let postgres = Self { server, database };
        let (name, owner) = (postgres.name(), Self::OWNER);
        postgres.run(&format!("CREATE ROLE {owner} LOGIN; ALTER DATABASE {name} OWNER TO {owner}"));
        postgres.migrate(Self::OWNER);
        Some(postgres)
    }

    /// What a role is to be told: `database_url`.
    pub fn address(&self, role: &str) -> String {
        format!("postgres://{role}@127.0.0.1:{}/{}?sslmode=disable", self.server.port(), self.name())
    }

    /// Brings the database up to the schema as a role, as a release does before anything else.
    pub fn migrate(&self, role: &str) {
        let done = perennial().args(["migrate", "--database-url", &self.address(role)]).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    /// Has the administrator say something.
    pub fn run(&self, statements: &str) {
        perennial_postgres::batch(&self.database, statements);
    }

    /// The one number that a query of the administrator's gives.
    pub fn number(&self, query: &str) -> i64 {
        perennial_postgres::number(&self.database, query)
    }

    fn name(&self) -> &str {
        self.database.rsplit('/').next().unwrap_or_default()
    }
}
