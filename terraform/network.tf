# One public subnet for the machine, which nobody can call; two private ones for Postgres, which calls nobody.
# The machine has a public address because it must reach Spotify: a NAT gateway would cost more than the machine.

locals {
  network = "10.20.0.0/24"
}

data "aws_availability_zones" "here" {
  # checkov:skip=CKV_AWS_394:The subnets keep the zones that they were made in
  state = "available"
  filter {
    name   = "opt-in-status" # no local zones, which have neither RDS nor these machines
    values = ["opt-in-not-required"]
  }
}

resource "aws_vpc" "main" {
  cidr_block           = local.network
  enable_dns_hostnames = true
  tags                 = { Name = local.name }
}

resource "aws_default_security_group" "closed" {
  vpc_id = aws_vpc.main.id # no rules: whatever is started without a group of its own reaches nothing
}

resource "aws_internet_gateway" "out" {
  vpc_id = aws_vpc.main.id
  tags   = { Name = local.name }
}

resource "aws_subnet" "machine" {
  vpc_id            = aws_vpc.main.id
  cidr_block        = cidrsubnet(local.network, 2, 0)
  availability_zone = data.aws_availability_zones.here.names[0]
  tags              = { Name = "${local.name}-machine" }

  lifecycle {
    ignore_changes = [availability_zone] # the kept disk lives in this zone, whatever zones AWS adds
  }
}

resource "aws_subnet" "warehouse" {
  count             = 2 # RDS wants two zones, also for one server
  vpc_id            = aws_vpc.main.id
  cidr_block        = cidrsubnet(local.network, 2, count.index + 1)
  availability_zone = data.aws_availability_zones.here.names[count.index]
  tags              = { Name = "${local.name}-warehouse-${count.index}" }

  lifecycle {
    ignore_changes = [availability_zone]
  }
}

resource "aws_route_table" "machine" {
  vpc_id = aws_vpc.main.id
  tags   = { Name = "${local.name}-machine" }

  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.out.id
  }
}

resource "aws_route_table_association" "machine" {
  subnet_id      = aws_subnet.machine.id
  route_table_id = aws_route_table.machine.id
}

resource "aws_vpc_endpoint" "lake" {
  vpc_id          = aws_vpc.main.id # free, and keeps the lake's traffic off the internet
  service_name    = "com.amazonaws.${var.region}.s3"
  route_table_ids = [aws_route_table.machine.id]
  tags            = { Name = "${local.name}-lake" }
}

resource "aws_security_group" "machine" {
  name        = "${local.name}-machine"
  description = "The machine: calls out, takes no calls"
  vpc_id      = aws_vpc.main.id
}

resource "aws_vpc_security_group_egress_rule" "https" {
  security_group_id = aws_security_group.machine.id
  description       = "Spotify, AWS, git, packages"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_vpc_security_group_egress_rule" "warehouse" {
  security_group_id            = aws_security_group.machine.id
  description                  = "Postgres"
  referenced_security_group_id = aws_security_group.warehouse.id
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}

resource "aws_vpc_security_group_egress_rule" "catalog" {
  count             = var.catalog_server == null ? 0 : 1
  security_group_id = aws_security_group.machine.id
  description       = "The catalog database"
  cidr_ipv4         = var.catalog_server.cidr
  ip_protocol       = "tcp"
  from_port         = var.catalog_server.port
  to_port           = var.catalog_server.port
}

resource "aws_security_group" "warehouse" {
  name        = "${local.name}-warehouse"
  description = "Postgres: called by the machine alone"
  vpc_id      = aws_vpc.main.id
}

resource "aws_vpc_security_group_ingress_rule" "warehouse" {
  security_group_id            = aws_security_group.warehouse.id
  description                  = "Postgres from the machine"
  referenced_security_group_id = aws_security_group.machine.id
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}
