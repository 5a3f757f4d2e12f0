//! The feed and the subscription, driven through their public doors.

mod property;
mod reading;
mod subscription;
mod support;
mod writing;
