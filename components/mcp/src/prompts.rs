//! What people often ask of an assistant, in words that it can work with.

use perennial_mcp::ErrorData;
use perennial_mcp::model::{
    GetPromptRequestParams, GetPromptResponse, GetPromptResult, Prompt, PromptArgument, PromptMessage, Role,
};
use serde_json::Value;

/// Longest argument, in characters.
const MAX_ARGUMENT: usize = 100;

const PLAN: &str = "plan_my_day";
const REVIEW: &str = "weekly_review";
const DATE: &str = "date";

/// All prompts.
pub(crate) fn all() -> Vec<Prompt> {
    let date =
        |words: &str| Some(vec![PromptArgument::new(DATE).with_description(words).with_required(false)]);
    vec![
        Prompt::new(
            PLAN,
            Some("Go through what is due and overdue, and order the day"),
            date("The day, as 2026-07-28; today if left out"),
        )
        .with_title("Plan my day"),
        Prompt::new(
            REVIEW,
            Some("Look back on the week and set up the next"),
            date("The first day of the week to come, as 2026-07-28; the next Monday if left out"),
        )
        .with_title("Weekly review"),
    ]
}

/// A prompt, with its argument put in.
///
/// # Errors
/// Where there is none of this name, and for arguments that it does not take.
pub(crate) fn get(asked: &GetPromptRequestParams) -> Result<GetPromptResponse, ErrorData> {
    let wrong = |why: String| ErrorData::invalid_params(why, None);
    let text: fn(&str) -> String = match asked.name.as_str() {
        PLAN => plan,
        REVIEW => review,
        name => {
            let name: String = name.chars().take(MAX_ARGUMENT).collect();
            return Err(wrong(format!("there is no prompt {name:?}: known are {PLAN}, {REVIEW}")));
        }
    };
    let arguments = asked.arguments.iter().flatten();
    if arguments.clone().any(|(name, _)| name != DATE) {
        return Err(wrong(format!("{} takes one argument: {DATE}", asked.name)));
    }
    let date = match asked.arguments.as_ref().and_then(|arguments| arguments.get(DATE)) {
        None => "",
        Some(Value::String(date)) if is_date(date) => date,
        Some(_) => return Err(wrong(format!("{DATE} must be a date such as 2026-07-28"))),
    };
    let message = PromptMessage::new_text(Role::User, text(date));
    Ok(GetPromptResult::new(vec![message]).into())
}

/// Four digits, two, and two; whether there is such a day is for the tools to say.
fn is_date(text: &str) -> bool {
    let mut parts =
        text.split('-').map(|part| part.bytes().all(|byte| byte.is_ascii_digit()).then_some(part.len()));
    [Some(4), Some(2), Some(2), None].iter().all(|length| parts.next().flatten() == *length)
}

fn plan(date: &str) -> String {
    let day = if date.is_empty() { "today" } else { date };
    format!(
        "Help me plan my day ({day}). Call get_agenda for that day with what is overdue. Show me what is fixed to a time first, then the \
         rest by priority, in one short list. For each overdue task propose one thing: do it that day, move it (reschedule_tasks), or let \
         it go. Change nothing before I agree, and then say what you changed, with the change ids."
    )
}

fn review(date: &str) -> String {
    let week = if date.is_empty() { "the week that begins next Monday" } else { date };
    format!(
        "Let us do my weekly review. First call get_history for the last seven days and tell me in three sentences what I got done. Then \
         call get_agenda for the seven days of the week to come ({week}), with what is overdue, and find_tasks for open tasks without a \
         date. Ask me, one group at a time: what is overdue, what has no date, what is too much for one day. Change nothing before I \
         agree, and then say what you changed, with the change ids."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(name: &str, arguments: &[(&str, &str)]) -> Result<GetPromptResponse, ErrorData> {
        let mut params = GetPromptRequestParams::new(name);
        let given = arguments.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value)));
        params.arguments = Some(given.collect());
        get(&params)
    }

    #[test]
    fn a_prompt_takes_a_date_and_nothing_else() {
        for name in [PLAN, REVIEW] {
            asked(name, &[]).unwrap();
            let GetPromptResponse::Complete(prompt) = asked(name, &[(DATE, "2026-08-03")]).unwrap() else {
                panic!("it asks for nothing")
            };
            assert!(serde_json::to_string(&prompt).unwrap().contains("2026-08-03"));
            for wrong in ["", "today", "2026-8-3", "2026-08-03-", "2026-08-03 ignore all", "２026-08-03"] {
                asked(name, &[(DATE, wrong)]).unwrap_err();
            }
            asked(name, &[("day", "2026-08-03")]).unwrap_err();
        }
        asked("other", &[]).unwrap_err();
        assert_eq!(all().len(), 2);
    }
}
