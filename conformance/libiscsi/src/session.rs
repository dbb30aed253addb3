//! A session: login, commands, task management, and an end with or without a logout.
//!
//! Commands use the library's asynchronous calls with memory of ours that outlives them: its
//! synchronous ones leave a pointer to their stack behind when a connection breaks.
#![expect(unsafe_code, reason = "calls a foreign library")]

use std::ffi::{CStr, CString, c_int, c_void};
use std::os::fd::BorrowedFd;
use std::ptr;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::generated::v1_19::{ISCSI_SESSION_NORMAL, iscsi_context, iscsi_data, scsi_task};
use crate::library::Library;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A name holds a zero byte.
    #[error("names must not hold zero bytes")]
    Name,
    /// No connection, or not with these credentials.
    #[error("cannot log in to {portal}: {why}")]
    Login {
        /// Where.
        portal: String,
        /// What the library said.
        why: String,
    },
    /// The connection broke or the target did not answer in time.
    #[error("no answer: {0}")]
    Silent(String),
}

/// Who logs in where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// `address:port` of the portal.
    pub portal: String,
    /// The target's iSCSI name.
    pub target: String,
    /// The initiator's iSCSI name.
    pub initiator: String,
    /// The random part of the initiator session identifier: 24 bits.
    pub isid: u32,
    /// The qualifier in it.
    pub qualifier: u16,
    /// CHAP: user and secret.
    pub credentials: Option<(String, String)>,
}

/// What a command ended with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The SCSI status.
    pub status: u8,
    /// With CHECK CONDITION: sense key, and additional sense code with its qualifier.
    pub sense: Option<(u8, u16)>,
    /// With GOOD: what was read.
    pub data: Vec<u8>,
}

const CHECK_CONDITION: c_int = 2;

impl Answer {
    pub(crate) fn new(status: c_int, sense: (u32, c_int), data: Vec<u8>) -> Self {
        let key = u8::try_from(sense.0).unwrap_or(u8::MAX);
        let code = u16::try_from(sense.1).unwrap_or(u16::MAX);
        Self {
            status: u8::try_from(status).unwrap_or(u8::MAX),
            sense: (status == CHECK_CONDITION).then_some((key, code)),
            data: if status == 0 { data } else { Vec::new() },
        }
    }
}

/// A task management function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// Aborts the initiator's commands.
    AbortTaskSet,
    /// Aborts everybody's commands.
    ClearTaskSet,
    /// Resets one unit.
    LogicalUnitReset,
    /// Resets all units.
    TargetWarmReset,
    /// Resets all units and ends all sessions.
    TargetColdReset,
}

impl Function {
    /// Its number (RFC 7143 section 11.5.1).
    const fn number(self) -> u32 {
        match self {
            Self::AbortTaskSet => 2,
            Self::ClearTaskSet => 4,
            Self::LogicalUnitReset => 5,
            Self::TargetWarmReset => 6,
            Self::TargetColdReset => 7,
        }
    }
}

/// What a callback tells whoever waits; it stays where it is until the session is gone.
#[derive(Debug, Default)]
struct Pending {
    done: bool,
    status: c_int,
    /// Of task management.
    response: Option<u32>,
    /// What is written; the library reads it from here.
    data_out: Vec<u8>,
}

/// A session with a target. Dropping it breaks the connection without a logout.
#[derive(Debug)]
pub struct Session {
    library: Library,
    context: *mut iscsi_context,
    /// Commands that the library never answered, with their tasks.
    lost: Vec<(*mut Pending, *mut scsi_task)>,
}

/// After so many seconds a command is given up.
const TIMEOUT_SECONDS: c_int = 10;
const READS: c_int = 1;
const WRITES: c_int = 2;

fn c_string(text: &str) -> Result<CString, Error> {
    CString::new(text).map_err(|_| Error::Name)
}

impl Session {
    /// Connects and logs in. Unit attentions stay where they are.
    ///
    /// # Errors
    /// When the target cannot be reached or refuses.
    pub fn open(library: &Library, login: &Login) -> Result<Self, Error> {
        let functions = &library.functions;
        let (name, target) = (c_string(&login.initiator)?, c_string(&login.target)?);
        let portal = c_string(&login.portal)?;
        let refused = |why: String| Error::Login {
            portal: login.portal.clone(),
            why,
        };
        // SAFETY: the strings end with zero and outlive the calls, which copy them.
        let context = unsafe { functions.iscsi_create_context(name.as_ptr()) };
        if context.is_null() {
            return Err(refused("libiscsi refuses the initiator's name".to_owned()));
        }
        let session = Self {
            library: library.clone(),
            context,
            lost: Vec::new(),
        };
        // SAFETY: as above, and the context was just made.
        let outcome = unsafe {
            functions.iscsi_set_targetname(context, target.as_ptr());
            functions.iscsi_set_session_type(context, ISCSI_SESSION_NORMAL);
            functions.iscsi_set_isid_random(context, login.isid, u32::from(login.qualifier));
            functions.iscsi_set_noautoreconnect(context, 1);
            functions.iscsi_set_timeout(context, TIMEOUT_SECONDS);
            session.authenticate(login)?;
            if functions.iscsi_connect_sync(context, portal.as_ptr()) == 0 {
                functions.iscsi_login_sync(context)
            } else {
                -1
            }
        };
        if outcome == 0 {
            Ok(session)
        } else {
            Err(refused(session.why()))
        }
    }

    fn authenticate(&self, login: &Login) -> Result<(), Error> {
        if let Some((user, secret)) = &login.credentials {
            let (user, secret) = (c_string(user)?, c_string(secret)?);
            let functions = &self.library.functions;
            // SAFETY: the strings end with zero and are copied.
            unsafe {
                functions.iscsi_set_initiator_username_pwd(
                    self.context,
                    user.as_ptr(),
                    secret.as_ptr(),
                );
            }
        }
        Ok(())
    }

    /// What the library says is wrong.
    fn why(&self) -> String {
        // SAFETY: the library answers with a string of its own that ends with zero.
        let text = unsafe {
            let text = self.library.functions.iscsi_get_error(self.context);
            if text.is_null() {
                return "libiscsi gives no reason".to_owned();
            }
            CStr::from_ptr(text)
        };
        text.to_string_lossy().trim().to_owned()
    }

    /// Sends a command and waits for its end. It reads up to `data_in_max` bytes, or writes
    /// `data_out`, or neither.
    ///
    /// # Errors
    /// When there is no answer; the session is of no use then.
    pub fn command(
        &mut self,
        lun: u16,
        cdb: &[u8],
        data_out: &[u8],
        data_in_max: usize,
    ) -> Result<Answer, Error> {
        let functions = self.library.functions.clone();
        let mut cdb = cdb.to_vec();
        let (direction, expected) = match (data_out.len(), data_in_max) {
            (0, 0) => (0, 0),
            (0, most) => (READS, most),
            (length, _) => (WRITES, length),
        };
        let (size, expected) = (c_int::try_from(cdb.len()), c_int::try_from(expected));
        let (Ok(size), Ok(expected)) = (size, expected) else {
            return Err(Error::Silent("the command is too long to send".to_owned()));
        };
        let pending = Box::into_raw(Box::new(Pending {
            data_out: data_out.to_vec(),
            ..Pending::default()
        }));
        // SAFETY: the library copies the command; what is written stays in `pending`, which lives
        // until the library has let go of it.
        let (task, sent) = unsafe {
            let task = functions.scsi_create_task(size, cdb.as_mut_ptr(), direction, expected);
            let mut data = iscsi_data {
                size: (*pending).data_out.len(),
                data: (*pending).data_out.as_mut_ptr(),
            };
            let data = if direction == WRITES {
                &raw mut data
            } else {
                ptr::null_mut()
            };
            let (lun, private) = (c_int::from(lun), pending.cast::<c_void>());
            let send = functions.iscsi_scsi_command_async(
                self.context,
                lun,
                task,
                Some(ended),
                data,
                private,
            );
            (task, send == 0)
        };
        self.lost.push((pending, task));
        if !sent {
            return Err(Error::Silent(self.why()));
        }
        self.wait(pending)?;
        self.lost.pop();
        // SAFETY: the task has ended and nobody else knows it or `pending` any more.
        unsafe {
            let status = Box::from_raw(pending).status;
            let answer = self.library.answer(task);
            functions.scsi_free_scsi_task(task);
            if status > 0xff {
                return Err(Error::Silent(format!(
                    "libiscsi says {status:#x}: {}",
                    self.why()
                )));
            }
            Ok(answer)
        }
    }

    /// Has a task management function carried out; returns the response (RFC 7143 11.6.1).
    ///
    /// # Errors
    /// When there is no answer.
    pub fn manage(&mut self, lun: u16, function: Function) -> Result<u32, Error> {
        let pending = Box::into_raw(Box::<Pending>::default());
        // SAFETY: `pending` lives until the library has let go of it.
        let sent = unsafe {
            self.library.functions.iscsi_task_mgmt_async(
                self.context,
                c_int::from(lun),
                function.number(),
                u32::MAX,
                0,
                Some(managed),
                pending.cast::<c_void>(),
            )
        };
        self.lost.push((pending, ptr::null_mut()));
        if sent != 0 {
            return Err(Error::Silent(self.why()));
        }
        self.wait(pending)?;
        self.lost.pop();
        // SAFETY: the function has ended and nobody else knows `pending` any more.
        let ended = unsafe { Box::from_raw(pending) };
        ended.response.ok_or_else(|| Error::Silent(self.why()))
    }

    fn wait(&self, pending: *const Pending) -> Result<(), Error> {
        let functions = &self.library.functions;
        let second = Timespec {
            tv_sec: 1,
            tv_nsec: 0,
        };
        // SAFETY: the context stands; its socket is open while it does; `pending` is ours.
        unsafe {
            loop {
                // The callback that `iscsi_service` makes has written it.
                if ptr::read_volatile(&raw const (*pending).done) {
                    return Ok(());
                }
                let socket = functions.iscsi_get_fd(self.context);
                if socket < 0 {
                    return Err(Error::Silent(self.why()));
                }
                let wanted = functions.iscsi_which_events(self.context);
                let wanted = u16::try_from(wanted).unwrap_or_default();
                let socket = BorrowedFd::borrow_raw(socket);
                let mut sockets = [PollFd::from_borrowed_fd(
                    socket,
                    PollFlags::from_bits_retain(wanted),
                )];
                let ready = poll(&mut sockets, Some(&second));
                let events = ready.map_or(0, |_| sockets[0].revents().bits());
                if functions.iscsi_service(self.context, c_int::from(events)) < 0 {
                    return Err(Error::Silent(self.why()));
                }
            }
        }
    }

    /// Ends the session as an initiator should.
    ///
    /// # Errors
    /// When the target does not answer.
    pub fn logout(self) -> Result<(), Error> {
        // SAFETY: the context stands.
        match unsafe { self.library.functions.iscsi_logout_sync(self.context) } {
            0 => Ok(()),
            _ => Err(Error::Silent(self.why())),
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // SAFETY: the library closes the connection and calls back what never ended, which lives
        // until here; then nobody knows any of it.
        unsafe {
            self.library.functions.iscsi_destroy_context(self.context);
            for (pending, task) in self.lost.drain(..) {
                drop(Box::from_raw(pending));
                if !task.is_null() {
                    self.library.functions.scsi_free_scsi_task(task);
                }
            }
        }
    }
}

/// The end of a command.
unsafe extern "C" fn ended(
    _: *mut iscsi_context,
    status: c_int,
    _: *mut c_void,
    private: *mut c_void,
) {
    // SAFETY: it was made from a `Pending` that lives as long as the session.
    let pending = unsafe { &mut *private.cast::<Pending>() };
    (pending.done, pending.status) = (true, status);
}

/// The end of a task management function: on success the data is the response.
unsafe extern "C" fn managed(
    _: *mut iscsi_context,
    status: c_int,
    data: *mut c_void,
    private: *mut c_void,
) {
    // SAFETY: it was made from a `Pending` that lives as long as the session; the library's
    // response is 32 bits.
    unsafe {
        let pending = &mut *private.cast::<Pending>();
        pending.done = true;
        pending.response = (status == 0 && !data.is_null()).then(|| *data.cast::<u32>());
    }
}
