//! The pages, one file a feature.
//!
//! Each file holds plain structs (the page's *context*: every text already worded, every time already in the course's
//! zone), the askama template that draws them, and `samples()`: a realistic context for every state that the page can
//! be in. The tests below draw each sample and check what must hold for every page.

use askama::{DynTemplate, Template};

pub mod announcements;
pub mod audit;
pub mod booking;
pub mod calendar_address;
pub mod components;
pub mod lab;
pub mod labs;
pub mod layout;
pub mod link;
pub mod look;
pub mod mailbox;
pub mod me;
pub mod my_bookings;
pub mod onward;
pub mod outages;
pub mod outbox;
pub mod person;
pub mod providers;
pub mod reaper;
pub mod refusal;
pub mod roster;
pub mod services;
pub mod sign_in;
pub mod sites;
pub mod spread;
pub mod staff_lab;
pub mod standing;
pub mod tokens;
pub mod waiting;

#[cfg(test)]
mod tests;

/// Every page in every state that it can be in, each with a name of its own.
pub fn samples() -> Vec<(&'static str, Box<dyn DynTemplate>)> {
    fn boxed<T: Template + 'static>(
        samples: Vec<(&'static str, T)>,
    ) -> impl Iterator<Item = (&'static str, Box<dyn DynTemplate>)> {
        samples.into_iter().map(|(name, page)| {
            let page: Box<dyn DynTemplate> = Box::new(page);
            (name, page)
        })
    }
    boxed(sign_in::SignInPage::samples())
        .chain(boxed(providers::ProvidersPage::samples()))
        .chain(boxed(onward::OnwardPage::samples()))
        .chain(boxed(labs::LabsPage::samples()))
        .chain(boxed(lab::LabPage::samples()))
        .chain(boxed(booking::BookingPage::samples()))
        .chain(boxed(me::MePage::samples()))
        .chain(boxed(my_bookings::MyBookingsPage::samples()))
        .chain(boxed(calendar_address::CalendarAddressPage::samples()))
        .chain(boxed(tokens::TokenMadePage::samples()))
        .chain(boxed(outbox::OutboxPage::samples()))
        .chain(boxed(services::ServicesPage::samples()))
        .chain(boxed(services::ServicePage::samples()))
        .chain(boxed(link::LinkPage::samples()))
        .chain(boxed(look::LookPage::samples()))
        .chain(boxed(mailbox::MailboxPage::samples()))
        .chain(boxed(staff_lab::StaffLabPage::samples()))
        .chain(boxed(sites::SitesPage::samples()))
        .chain(boxed(standing::StandingPage::samples()))
        .chain(boxed(standing::FairSharePage::samples()))
        .chain(boxed(waiting::WaitPage::samples()))
        .chain(boxed(waiting::WaitlistPage::samples()))
        .chain(boxed(roster::RosterPage::samples()))
        .chain(boxed(roster::BringPage::samples()))
        .chain(boxed(roster::ImportPage::samples()))
        .chain(boxed(person::PersonPage::samples()))
        .chain(boxed(reaper::ReaperPage::samples()))
        .chain(boxed(reaper::PlanPage::samples()))
        .chain(boxed(reaper::SweepsPage::samples()))
        .chain(boxed(reaper::SweepPage::samples()))
        .chain(boxed(reaper::ExemptionsPage::samples()))
        .chain(boxed(announcements::AnnouncementsPage::samples()))
        .chain(boxed(announcements::AnnouncementPage::samples()))
        .chain(boxed(announcements::StaffAnnouncementsPage::samples()))
        .chain(boxed(announcements::WritePage::samples()))
        .chain(boxed(outages::OutagesPage::samples()))
        .chain(boxed(outages::OutagePage::samples()))
        .chain(boxed(outages::OutageFormPage::samples()))
        .chain(boxed(audit::AuditPage::samples()))
        .chain(boxed(refusal::RefusalPage::samples()))
        .collect()
}
