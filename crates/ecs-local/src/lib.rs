//! The stand-in for ECS, EC2 and STS. Unfinished: its modules beside this file are not built yet.
