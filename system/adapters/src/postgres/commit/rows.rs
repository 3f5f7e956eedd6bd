//! The statement of each change of a row. It changes one row, or none where the row is not as expected.

use gauntlet_contract::{Label, Series, Task, UserId};
use gauntlet_ports::{Expected, PortError, PortErrorKind, RowChange, title_key};
use sqlx::postgres::Postgres;
use sqlx::query_builder::QueryBuilder;
use sqlx::types::Json;

use crate::postgres::error::Call;
use crate::postgres::series::mode_name;
use crate::postgres::task_row::{WRITTEN, push_values};
use crate::postgres::time::{Stamp, WallTime};

/// A gate is what a statement has before it: `FROM gate WHERE <condition>`, or nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gate {
    Open,
    /// A CTE `gate` with a column `is_open`.
    Guarded,
}

/// Pushes the statement, without `RETURNING`.
pub(super) fn push_change(
    call: Call,
    sql: &mut QueryBuilder<Postgres>,
    user_id: UserId,
    row: &RowChange,
    gate: Gate,
) -> Result<(), PortError> {
    match row {
        RowChange::PutTask(expected, task) => put_task(call, sql, *expected, task, gate),
        RowChange::DeleteTask(version, id) => {
            sql.push("DELETE FROM tasks");
            sql.push(gate.joined(" USING gate"))
                .push(" WHERE id = ")
                .push_bind(id.0);
            push_expected(call, sql, user_id, *version)?;
            sql.push(gate.joined(" AND gate.is_open"));
            Ok(())
        }
        RowChange::PutLabel(expected, label) => put_label(call, sql, *expected, label),
        RowChange::DeleteLabel(version, kind, id) => {
            sql.push("DELETE FROM labels WHERE id = ").push_bind(id.0);
            sql.push(" AND kind = ").push_bind(kind.as_str());
            push_expected(call, sql, user_id, *version)
        }
        RowChange::PutSeries(expected, series) => put_series(call, sql, *expected, series),
    }
}

impl Gate {
    fn joined(self, sql: &'static str) -> &'static str {
        match self {
            Gate::Open => "",
            Gate::Guarded => sql,
        }
    }
}

fn put_task(
    call: Call,
    sql: &mut QueryBuilder<Postgres>,
    expected: Expected,
    task: &Task,
    gate: Gate,
) -> Result<(), PortError> {
    let version = signed(call, task.version)?;
    match expected {
        Expected::Absent => {
            sql.push("INSERT INTO tasks (id, user_id, ")
                .push(WRITTEN)
                .push(") SELECT ");
            sql.push_bind(task.id.0)
                .push(", ")
                .push_bind(task.user_id.0)
                .push(", ");
            push_values(sql, task, version);
            sql.push(gate.joined(" FROM gate WHERE gate.is_open"));
            sql.push(" ON CONFLICT (id) DO NOTHING");
        }
        Expected::Version(former) => {
            sql.push("UPDATE tasks SET (")
                .push(WRITTEN)
                .push(") = ROW(");
            push_values(sql, task, version);
            sql.push(")")
                .push(gate.joined(" FROM gate"))
                .push(" WHERE id = ")
                .push_bind(task.id.0);
            push_expected(call, sql, task.user_id, former)?;
            sql.push(gate.joined(" AND gate.is_open"));
        }
    }
    Ok(())
}

fn put_label(
    call: Call,
    sql: &mut QueryBuilder<Postgres>,
    expected: Expected,
    label: &Label,
) -> Result<(), PortError> {
    let version = signed(call, label.version)?;
    let push_values = |sql: &mut QueryBuilder<Postgres>| {
        let mut values = sql.separated(", ");
        values.push_bind(label.name.clone());
        values.push_bind(title_key(&label.name));
        values.push_bind(label.color.clone());
        values.push_bind(version);
        values.push_bind(Stamp(label.created_at));
        values.push_bind(Stamp(label.updated_at));
    };
    match expected {
        Expected::Absent => {
            sql.push(
                "INSERT INTO labels (id, user_id, kind, name, name_key, color, version, created_at, \
                 updated_at) VALUES (",
            );
            sql.push_bind(label.id.0)
                .push(", ")
                .push_bind(label.user_id.0)
                .push(", ");
            sql.push_bind(label.kind.as_str()).push(", ");
            push_values(sql);
            sql.push(") ON CONFLICT (id) DO NOTHING");
        }
        Expected::Version(former) => {
            sql.push(
                "UPDATE labels SET (name, name_key, color, version, created_at, updated_at) = ROW(",
            );
            push_values(sql);
            sql.push(") WHERE id = ").push_bind(label.id.0);
            sql.push(" AND kind = ").push_bind(label.kind.as_str());
            push_expected(call, sql, label.user_id, former)?;
        }
    }
    Ok(())
}

fn put_series(
    call: Call,
    sql: &mut QueryBuilder<Postgres>,
    expected: Expected,
    series: &Series,
) -> Result<(), PortError> {
    let version = signed(call, series.version)?;
    // Encoding cannot fail any more when it is bound.
    let start = WallTime(series.start);
    start
        .check()
        .map_err(|error| PortError::new(PortErrorKind::Invalid, call.port, call.op, error))?;
    let push_values = |sql: &mut QueryBuilder<Postgres>| {
        let mut values = sql.separated(", ");
        values.push_bind(Json(series.recurrence.clone()));
        values.push_bind(mode_name(series.recurrence.mode));
        values.push_bind(start);
        values.push_bind(series.time_zone.clone());
        values.push_bind(i64::from(series.next_occurrence));
        values.push_bind(Stamp(series.latest_due_at));
        values.push_bind(Json(series.template.clone()));
        values.push_bind(series.ended_at.map(Stamp));
        values.push_bind(version);
        values.push_bind(Stamp(series.created_at));
        values.push_bind(Stamp(series.updated_at));
    };
    let columns = "recurrence, mode, start_local, time_zone, next_occurrence, latest_due_at, \
                   template, ended_at, version, created_at, updated_at";
    match expected {
        Expected::Absent => {
            sql.push("INSERT INTO series (id, user_id, ")
                .push(columns)
                .push(") VALUES (");
            sql.push_bind(series.id.0)
                .push(", ")
                .push_bind(series.user_id.0)
                .push(", ");
            push_values(sql);
            sql.push(") ON CONFLICT (id) DO NOTHING");
        }
        Expected::Version(former) => {
            sql.push("UPDATE series SET (")
                .push(columns)
                .push(") = ROW(");
            push_values(sql);
            sql.push(") WHERE id = ").push_bind(series.id.0);
            push_expected(call, sql, series.user_id, former)?;
        }
    }
    Ok(())
}

fn push_expected(
    call: Call,
    sql: &mut QueryBuilder<Postgres>,
    user_id: UserId,
    version: u64,
) -> Result<(), PortError> {
    sql.push(" AND user_id = ").push_bind(user_id.0);
    sql.push(" AND version = ")
        .push_bind(signed(call, version)?);
    Ok(())
}

/// Postgres has no unsigned integers.
pub(super) fn signed(call: Call, version: u64) -> Result<i64, PortError> {
    i64::try_from(version)
        .map_err(|error| PortError::new(PortErrorKind::Invalid, call.port, call.op, error))
}
